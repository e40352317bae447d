"""Right and wrong answers to the exercises on section 6.1."""

RIGHT = {}
WRONG = {}
