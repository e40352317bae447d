"""Notebooks run side by side, before the pages are read.

MyST-NB runs a notebook when it comes to its page, one after the other, while the other processors
wait. Here its own client fills the cache, so that each page finds its results there.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from jupyter_cache import get_cache
from myst_nb.core.execute import ExecutionError, NotebookClientCache, cache, create_client
from myst_nb.core.loggers import SphinxDocLogger
from myst_nb.core.read import create_nb_reader

# A kernel sends what a cell prints in pieces, cut wherever its clock says. MyST-NB would begin a
# line with each of them; nbclient joins them as they are.
cache.single_nb_execution = partial(cache.single_nb_execution, coalesce_streams=True)


def run_notebooks(app, env, docnames):
    """Fill the cache with the results of the notebooks among these documents.

    Raises ExecutionError if a cell of one of them fails, once all have run: what failed in each
    has been said by then.
    """
    clients = [client for docname in docnames if (client := client_of(env, docname))]
    if not clients:
        return
    get_cache(env.mystnb_config.execution_cache_path).list_cache_records()  # makes its tables once
    workers = min(len(clients), os.cpu_count())
    # With matrices as small as a chapter's, threads wait for each other more than they compute.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ThreadPoolExecutor(workers) as pool:
        failed = [error for error in pool.map(run, clients) if error]
    if failed:
        raise failed[0]


def client_of(env, docname):
    """Return what runs the notebook of a page, or None if there is nothing to run or to keep."""
    path, config = env.doc2path(docname), env.mystnb_config
    text = Path(path).read_text(encoding="utf-8")
    reader = create_nb_reader(path, env.myst_config, config, text)
    if reader is None:
        return None
    page = SimpleNamespace(settings=SimpleNamespace(env=SimpleNamespace(docname=docname)))
    logger = SphinxDocLogger(page)
    client = create_client(reader.read(text), path, config, logger, reader.read_fmt)
    return client if isinstance(client, NotebookClientCache) else None


def run(client):
    """Take the results from the cache, or run the notebook; return the error if a cell fails."""
    try:
        client.start_client()
    except ExecutionError as error:
        return error
    return None


def setup(app):
    app.connect("env-before-read-docs", run_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
