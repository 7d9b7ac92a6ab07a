"""Filling the templates of pages/: a name is text, whatever it holds."""

from pathlib import Path
from typing import Any

import jinja2

from l2l.report.stills import clock

PAGES = Path(__file__).parent / "pages"


def fill(template: str, **content: Any) -> str:
    """A template of `pages/` with its content; everything in it is escaped."""
    loader = jinja2.FileSystemLoader(PAGES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    # Our own files, which are no one's input.
    own = {
        name.replace(".", "_"): (PAGES / name).read_text(encoding="utf-8")
        for name in ("page.css", "chart.js", "report.js")
    }
    return environment.get_template(template).render(**own, clock=clock, **content)
