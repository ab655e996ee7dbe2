"""Sphinx configuration: Markdown pages, numpydoc docstrings."""

from asterism import __version__

project = "Asterism"
author = "The Asterism developers"
copyright = "2026, The Asterism developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Asterism {release}"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"


def setup(app):
    """A copy without measured results, which the benchmarks add, builds without a warning too."""

    def without_results(app, name, source):
        if name == "index" and not any(found.startswith("results/") for found in app.env.found_docs):
            source[0] = source[0].replace(
                "```{toctree}\n:hidden:\n:caption: Measured results\n:glob:\n\nresults/*\n```\n", ""
            )

    app.connect("source-read", without_results)
