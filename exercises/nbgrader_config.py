"""nbgrader's settings for this course: run its commands in this folder."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "deep-feedforward-networks"
# What stands in the place of a solution: a stub that runs, so the students' notebooks run as they are.
c.ClearSolutions.code_stub = {"python": "..."}
c.ClearSolutions.text_stub = "..."
# A check stops an endless loop by itself; this is for what runs outside of a check.
c.Execute.timeout = 120
