"""What building the site needs beyond its plugins: notebooks as pages, and all links checked.

mkdocs checks the links of Markdown; players and pictures on the results pages are HTML.
"""

import html.parser
import logging
import pathlib
import urllib.parse

import nbconvert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_LOG = logging.getLogger("mkdocs.hooks")  # with --strict, a warning ends the build
_ADDRESSES = {"href", "src"}


def on_files(files: Files, *, config: MkDocsConfig) -> None:
    """Adds a page for each notebook, as it was last run; the notebook itself is there, too."""
    for path in sorted(pathlib.Path(config.docs_dir).glob("*.ipynb")):
        exporter = nbconvert.MarkdownExporter()
        text, made = exporter.from_filename(str(path), resources={"unique_key": path.stem})
        files.append(File.generated(config, f"{path.stem}.md", content=text))
        for name, contents in made["outputs"].items():
            files.append(File.generated(config, name, content=contents))


def on_post_build(*, config: MkDocsConfig) -> None:
    """Warns of every address of the built pages that leads to no file."""
    site = pathlib.Path(config.site_dir)
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        for address in broken_addresses(page, site):
            _LOG.warning("%s: leads nowhere: %s", page.relative_to(site), address)


def broken_addresses(page: pathlib.Path, site: pathlib.Path) -> list[str]:
    """The local addresses of a page behind which there is no file."""
    reader = _AddressReader()
    reader.feed(page.read_text(encoding="utf-8"))
    broken = []
    for address in reader.addresses:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        path = urllib.parse.unquote(parts.path)
        target = site / path.lstrip("/") if path.startswith("/") else page.parent / path
        if not (target / "index.html" if target.is_dir() else target).is_file():
            broken.append(address)
    return broken


class _AddressReader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in _ADDRESSES and value]
