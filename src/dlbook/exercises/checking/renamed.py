"""Two sections were once called otherwise. What still bears an old name is found all the same.

That is a notebook that a student has downloaded or a class has handed in, and the account of what
somebody has solved.
"""

import re

NUMBERS = {"6_5_2": "6_5_5", "6_5_3": "6_5_9"}  # the old, and the section that a page begins with
OLD = re.compile(rf"^(section_)?({'|'.join(NUMBERS)})(?!_?\d)")


def todays_name(name):
    """Return what is called today what is, or was, called `name`: a notebook or a module."""
    return OLD.sub(lambda found: (found[1] or "") + NUMBERS[found[2]], name)


def all_names(name):
    """List the names that a notebook has, or had: today's first."""
    olds = (name.replace(new, old, 1) for old, new in NUMBERS.items() if name.startswith(new))
    return [name, *olds]
