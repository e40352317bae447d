"""Section 6.5.5: the same graph in JavaScript, for a page in which a reader moves something.

Look at `program.source` first; :class:`~dlbook.programs.javascript.writer.Writer` writes it.
"""
