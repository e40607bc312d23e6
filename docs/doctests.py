"""Shows the doctests of docstrings as examples: without their heading they would become quotes."""

import textwrap

import griffe


class Doctests(griffe.Extension):
    """Puts the heading of Google's style above each paragraph of a docstring that is a doctest."""

    def on_object(self, *, obj: griffe.Object, **_) -> None:
        """Rewrites the docstring of a function, class or attribute as it is read."""
        if obj.docstring:
            obj.docstring.value = "\n\n".join(
                f"Examples:\n{textwrap.indent(paragraph, '    ')}"
                if paragraph.startswith(">>>")
                else paragraph
                for paragraph in obj.docstring.value.split("\n\n")
            )
