"""nbgrader's settings for this course: run its commands in this folder."""

import os

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "deep-feedforward-networks"
# What stands in the place of a solution: a stub that runs, so the students' notebooks run, too.
c.ClearSolutions.code_stub = {"python": "..."}
c.ClearSolutions.text_stub = "..."
# A check that somebody has removed comes back.
c.OverwriteCells.add_missing_cells = True

if os.environ.get("DLBOOK_PLAIN_AUTOGRADE"):
    # nbgrader's own way: a kernel with all your rights. Only for code that you trust. A check stops
    # an endless loop by itself; this is for what runs outside of a check, by the clock on the wall.
    c.Execute.timeout = 600
else:
    # Students' code runs in a sandbox (see class.md).
    c.Autograde.autograde_preprocessors = [
        "dlbook.exercises.grading.autograde.SandboxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
