"""What is asked: one module for each section, ``q1``, ``q2``, ... in their order."""
