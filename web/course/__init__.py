"""What the site does, as one Sphinx extension; how it looks is the theme's, beside it.

Look at :func:`setup` first: it says when each thing happens. Reading a page: exercises, indexes and
records are written out, what can be linked to gets its anchor, cells become tabs. Writing it: code
is folded, formulas are typeset, terms lead to the glossary. At the end: previews, old addresses,
the one style sheet.
"""

from course import (
    anchors,
    book,
    chapter_index,
    descriptions,
    exercise_pages,
    finishing,
    folds,
    formulas,
    glossary_links,
    insides,
    live_figures,
    margin_notes,
    moved_pages,
    previews,
    programs_shown,
    pytorch_tabs,
    recorded_benchmarks,
    repository,
    search_words,
    side_by_side,
    source_links,
)

DIRECTIVES = {
    "chapter-count": chapter_index.ChapterCount,
    "chapter-index": chapter_index.ChapterIndex,
    "exercises": exercise_pages.Exercises,
    "programs": programs_shown.Programs,
    "recorded": recorded_benchmarks.Recorded,
    "thumbnail": chapter_index.Thumbnail,
}
WHEN_READ = (
    book.ShortContents,
    anchors.BoxQuotes,
    anchors.NameWhatIsShown,
    pytorch_tabs.PyTorchTabs,
    search_words.IndexNumbers,
)
WHEN_WRITTEN = (
    book.LetTablesScroll,
    book.SetNumberApart,
    book.UniqueIds,
    chapter_index.FillThumbnails,
    chapter_index.LinkVerdicts,
    folds.FoldCode,
    formulas.KeepTogether,
    glossary_links.GlossaryLinks,
    margin_notes.Entries,
    margin_notes.References,
)
EVENTS = (
    ("config-inited", repository.tell_the_theme),
    ("config-inited", book.watch_the_library),
    ("config-inited", finishing.watch_parts),
    ("builder-inited", chapter_index.read_chapters),
    ("builder-inited", finishing.forget_pages_of_code),
    ("builder-inited", previews.read_references),
    ("autodoc-process-docstring", chapter_index.put_sentences_first, 300),
    ("autodoc-process-docstring", chapter_index.link_numbers),
    ("source-read", anchors.put_exercises_in),
    ("env-check-consistency", anchors.let_links_name_anchors),
    ("html-page-context", repository.add_places),
    ("html-page-context", descriptions.add_descriptions),
    ("html-page-context", previews.write_previews),
    ("html-page-context", finishing.finish_page, 900),
    ("build-finished", moved_pages.write_moved_pages),
    ("build-finished", finishing.write_map),
    ("build-finished", live_figures.write_scripts),
    ("build-finished", finishing.write_sheet, 900),
    ("build-finished", book.forget_a_bad_build),
)


def setup(app):
    app.add_config_value("library_digest", "", "env")
    app.add_config_value("parts_digest", "", "env")
    app.add_config_value("moved_pages", {}, "")
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it, whoever reads it
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    for transform in WHEN_READ:
        app.add_transform(transform)
    for transform in WHEN_WRITTEN:
        app.add_post_transform(transform)
    for event in EVENTS:
        app.connect(*event)
    side_by_side.Notebooks().connect(app)
    app.add_node(chapter_index.thumbnail)
    app.add_role("source", source_links.Source())
    app.add_search_language(search_words.English)
    app.add_html_math_renderer(
        "built", (formulas.visit_inline, None), (formulas.visit_display, None)
    )
    insides.draw_lightly()
    return {"parallel_read_safe": True, "parallel_write_safe": True}
