"""Marks the words of a transcript that are wrong, and how, for reading on the page."""

import dataclasses

import jiwer

from vggish_inversion.report.markup import Html, join, tag


@dataclasses.dataclass(frozen=True)
class WordMark:
    """One step of the alignment.

    Attributes:
        kind: "equal", "substitute", "delete" or "insert".
        reference: the word that was said; empty for an insertion.
        heard: the word that was recognised; empty for a deletion.
    """

    kind: str
    reference: str
    heard: str


def mark_words(reference: str, transcript: str) -> list[WordMark]:
    """Aligns a transcript with its reference by the fewest word errors (Levenshtein).

    Args:
        reference: what was said, its words separated by spaces.
        transcript: what was recognised; both are compared as they stand, so normalise them first.

    Returns:
        The marks in reading order.

    >>> [mark.kind for mark in mark_words("the cat sat", "a cat sat down")]
    ['substitute', 'equal', 'equal', 'insert']
    """
    if not reference.split():
        return [WordMark("insert", "", word) for word in transcript.split()]
    aligned = jiwer.process_words(reference, transcript)
    said, heard = aligned.references[0], aligned.hypotheses[0]
    marks = []
    for chunk in aligned.alignments[0]:
        num_steps = max(
            chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
        )
        for step in range(num_steps):
            marks.append(
                WordMark(
                    chunk.type,
                    "" if chunk.type == "insert" else said[chunk.ref_start_idx + step],
                    "" if chunk.type == "delete" else heard[chunk.hyp_start_idx + step],
                )
            )
    return marks


def marks_to_html(marks: list[WordMark]) -> Html:
    """Marked words; each kind of error differs by shape and in words, not by colour alone."""
    return join(*(_MARKUP[mark.kind](mark) for mark in marks), separator=" ")


def _spoken(text: str) -> Html:
    """Text for screen readers only."""
    return tag("span", text, class_="spoken")


def _substitute(mark: WordMark) -> Html:
    return tag(
        "span",
        tag("span", mark.heard, class_="heard"),
        _spoken(" instead of "),
        tag("span", mark.reference, class_="said"),
        class_="word substitute",
        title=f"recognised “{mark.heard}” instead of “{mark.reference}”",
    )


def _delete(mark: WordMark) -> Html:
    title = f"“{mark.reference}” was not recognised"
    return tag("del", _spoken("missing: "), mark.reference, class_="word delete", title=title)


def _insert(mark: WordMark) -> Html:
    title = f"“{mark.heard}” was not said"
    return tag("ins", _spoken("inserted: "), mark.heard, class_="word insert", title=title)


_MARKUP = {
    "equal": lambda mark: tag("span", mark.heard, class_="word"),
    "substitute": _substitute,
    "delete": _delete,
    "insert": _insert,
}
