"""The chapters' experiments, run again in worlds where what they claim is false.

A claim is judged by a cell of a chapter. What that cell needs are the cells that make its names,
and those that make theirs: they run here without the rest of the page, after a change to the text
of some of them. What a cell asserts is left out, since in another world it may well fail. Look at
:class:`World` first; the worlds themselves are in ``counter_worlds``, one module for each chapter.
"""

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dlbook import seeds

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))


@dataclass(frozen=True)
class World:
    """A small change under which a claim of the book is false, and what the page has to say there.

    Attributes
    ----------
    claim : str
        As it is tagged, ``"claim-6-1-b"``.
    changes : tuple of pairs
        What stands once in the cells that the claim needs, and what is to stand there.
    verdict : str
        The verdict in this world, which is never that of the page.
    says : str
        A regular expression that the sentence matches there.
    takes : "moments" or "long"
        What takes more than about two seconds is tried by ``make test-all`` alone.
    """

    claim: str
    changes: tuple[tuple[str, str], ...]
    verdict: str
    says: str
    takes: str = "moments"


@cache
def code_of(chapter):
    """Return the source of each cell of code, without what only a notebook understands."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [re.sub(r"^( *)[%!].*$", r"\1pass", source, flags=re.MULTILINE) for source in sources]


@cache
def claims():
    """Return for each claim the chapter that judges it, and the place of the cell that does."""
    return {
        found: (chapter, place)
        for chapter in CHAPTERS
        for place, source in enumerate(code_of(chapter))
        for found in judged(source)
    }


def judged(source):
    """Yield each claim that a cell judges."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "judge":
            yield node.args[0].value


class _Names(ast.NodeVisitor):
    """The names that a cell reads before it makes them, and those that it makes or may change."""

    def __init__(self, source):
        self.read, self.made, self.own, self.imported = set(), set(), set(), set()
        self.visit(ast.parse(source))
        self.made |= self.own

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store):
            self.own.add(node.id)
        elif node.id not in self.own:
            self.read.add(node.id)

    def visit_alias(self, node):
        self.imported.add((node.asname or node.name).partition(".")[0])
        self.own |= self.imported

    def visit_Assign(self, node):  # what is assigned is there before it has a name
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        self._change(node.target)

    def visit_For(self, node):
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            self._change(node.func.value)  # as costs.append(1) does
        self.generic_visit(node)

    def visit_Subscript(self, node):
        if not isinstance(node.ctx, ast.Load):
            self._change(node.value)
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load):
            self._change(node.value)
        self.generic_visit(node)

    def _change(self, node):
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if isinstance(node, ast.Name):
            self.made.add(node.id)
            if node.id not in self.own:
                self.read.add(node.id)

    def visit_FunctionDef(self, node):
        self.own.add(node.name)
        self._within(node)

    def _within(self, node):
        """Look through what has names of its own: those that it takes, and those that it makes."""
        before = set(self.own)
        for part in ast.walk(node):
            if isinstance(part, ast.arg):
                self.own.add(part.arg)
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self.own.add(part.id)
        self.generic_visit(node)
        self.own = before

    visit_Lambda = visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _within


def needed(chapter, place):
    """Return the places of the cells that the one at ``place`` needs, and its own, in order."""
    cells = [_Names(source) for source in code_of(chapter)]
    modules = set().union(*(cell.imported for cell in cells))
    wanted, found = set(), []
    for at in range(place, -1, -1):
        # A call such as np.mean(x) changes no module.
        made = cells[at].made - (modules - cells[at].imported)
        if at == place or made & wanted:
            wanted = wanted - cells[at].own | cells[at].read  # made here, so not before
            found.append(at)
    return found[::-1]


class _WithoutAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


def run(source, world):
    """Run a cell in a world, a dict of names; return what its last line gives, if it gives it."""
    tree = _WithoutAsserts().visit(ast.parse(source))
    *lines, last = tree.body
    if not isinstance(last, ast.Expr):
        lines, last = tree.body, None
    exec(compile(ast.Module(lines, []), "cell", "exec"), world)
    return last and eval(compile(ast.Expression(last.value), "cell", "eval"), world)


def verdict_on(claim, *changes, shift=0):
    """Return the finding on a claim, after changes to the text of the cells that lead to it.

    ``shift`` is added to every seed. Raises LookupError if what is to be changed is not there once.
    """
    chapter, place = claims()[claim]
    cells = [code_of(chapter)[at] for at in needed(chapter, place)]
    for old, new in changes:
        if (count := "\0".join(cells).count(old)) != 1:
            raise LookupError(f"{claim}: {count} times in the cells that it needs: {old}")
        cells = [cell.replace(old, new) for cell in cells]
    world = {"__name__": "__main__"}
    with seeds.shifted(shift):
        for cell in cells:
            finding = run(cell, world)
    return finding
