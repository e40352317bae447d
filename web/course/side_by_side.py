"""Notebooks run side by side, while the other pages are read.

MyST-NB runs a notebook when it comes to its page, one after the other, while the other processors
wait. Here its own client fills the cache beforehand, so that each page finds its results there.
Pages without a notebook are read first, and the page of a notebook waits for that one only.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from jupyter_cache import get_cache

from course import insides

# A kernel sends what a cell prints in pieces, cut wherever its clock says. MyST-NB would begin a
# line with each of them; nbclient joins them as they are.
insides.cache.single_nb_execution = partial(insides.run_notebook, coalesce_streams=True)


class Notebooks:
    """The notebooks of a build, each of them running, waiting for its turn, or done."""

    def __init__(self):
        self.pool, self.running = None, {}

    def connect(self, app):
        app.connect("env-before-read-docs", self.start)
        app.connect("source-read", self.wait)
        app.connect("build-finished", self.stop)

    def start(self, app, env, docnames):
        """Begin to fill the cache with the results of the notebooks among these documents."""
        clients = {name: client for name in docnames if (client := client_of(env, name))}
        if not clients:
            return
        get_cache(env.mystnb_config.execution_cache_path).list_cache_records()  # makes its tables
        # With matrices as small as a chapter's, threads wait for each other more than they compute.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        self.pool = ThreadPoolExecutor(min(len(clients), os.cpu_count()))
        # A long notebook that comes last would run alone. They are read in the same order, since
        # what began first tends to be done first. Nothing on the site depends on that order.
        turns = sorted(clients, key=lambda name: -Path(env.doc2path(name)).stat().st_size)
        self.running = {name: self.pool.submit(run, clients[name]) for name in turns}
        docnames[:] = [name for name in docnames if name not in clients] + turns

    def wait(self, app, docname, source):
        """Wait for the notebook of a page that is about to be read.

        Raises ExecutionError if a cell fails, once all notebooks have run: what failed in each has
        been said by then.
        """
        if docname not in self.running:
            return
        try:
            if error := self.running[docname].result():
                self.pool.shutdown()
                raise error
        except BaseException:  # as when somebody interrupts the build
            self.stop(app)
            raise

    def stop(self, app, exception=None):
        """Start no more notebooks: the build is over, or has failed."""
        if self.pool:
            self.pool.shutdown(cancel_futures=True)


def client_of(env, docname):
    """Return what runs the notebook of a page, or None if there is nothing to run or to keep."""
    path, config = env.doc2path(docname), env.mystnb_config
    text = Path(path).read_text(encoding="utf-8")
    reader = insides.create_nb_reader(path, env.myst_config, config, text)
    if reader is None:
        return None
    page = SimpleNamespace(settings=SimpleNamespace(env=SimpleNamespace(docname=docname)))
    logger = insides.SphinxDocLogger(page)
    client = insides.create_client(reader.read(text), path, config, logger, reader.read_fmt)
    return client if isinstance(client, insides.NotebookClientCache) else None


def run(client):
    """Take the results from the cache, or run the notebook; return the error if a cell fails."""
    try:
        client.start_client()
    except insides.ExecutionError as error:
        return error
    return None
