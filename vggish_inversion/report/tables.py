"""Tables in Markdown of any number of results folders: what survives at which tap, for how much."""

import collections
from collections.abc import Iterable, Mapping, Sequence

from vggish_inversion.report.labels import MEASURES, MISSING, WER, Measure
from vggish_inversion.results import Results, ResultsError, Summary

_FIELDS = ("wer", "stoi", "log_mel_l1")
# What recognisers have no part in: one figure whichever of them listened.
_OF_SOUND = {measure.field for measure in MEASURES} - {WER.field, "cer"}


def results_table(folders: Sequence[Results], fields: Sequence[str] = (WER.field,)) -> str:
    """One table per target, clips and vocoder: a row per tap, a column per recogniser and inverter.

    The two references stand in every column that they are the floor of. Behind a tap's name stands
    on how many patches an inverter sees it, if on several.

    Args:
        folders: of any targets and corpora; several of the same are one table.
        fields: measures, such as "wer", or "stoi" and "log_mel_l1", each with 95 % intervals. Of a
            measure that no recogniser has a part in there is one column for all of them.

    Raises:
        ResultsError: if two folders have different figures for one cell.
    """
    measures = [measure for name in fields for measure in MEASURES if measure.field == name]
    groups: dict[tuple[str, str, str], list[tuple[Results, Summary]]] = {}
    for results in folders:
        for row in results.summaries:
            if row.condition.vocoder:
                key = (row.condition.target, results.clips, row.condition.vocoder)
                groups.setdefault(key, []).append((results, row))
    for (target, clips, _), rows in groups.items():  # the recording itself has no vocoder
        rows[:0] = [
            (results, row)
            for results in folders
            for row in results.summaries
            if (row.condition.target, results.clips, row.condition.vocoder) == (target, clips, "")
        ]
    return "\n\n".join(
        f"{_title(key, rows, measures)}\n\n{_table(rows, measures)}" for key, rows in groups.items()
    )


def _title(
    key: tuple[str, str, str],
    rows: Sequence[tuple[Results, Summary]],
    measures: Sequence[Measure],
) -> str:
    """Such as "**vggish**, LJSpeech-1.1, test, griffin_lim, n = 20: WER %"."""
    counts = sorted({row.num_utterances for _, row in rows})
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    target, clips, vocoder = key
    names = ", ".join(measure.name for measure in measures)
    return f"**{target}**, {clips}, {vocoder}, n = {span}: {names} (95 %)"


def _table(rows: Sequence[tuple[Results, Summary]], measures: Sequence[Measure]) -> str:
    inverters = _unique(_inverter(row) for _, row in rows if not row.condition.is_reference)
    told = {name: name for name in inverters}
    if len({name.partition(" ")[2] for name in inverters}) == 1:  # of one loss: need not be said
        told = {name: name.partition(" ")[0] for name in inverters}
    recognisers = _unique(row.condition.asr for _, row in rows)
    cells: dict[str, dict[tuple[str, ...], str]] = collections.defaultdict(dict)
    views: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for results, row in rows:
        condition = row.condition
        if (number := results.views(condition) or 1) > 1:
            views[condition.layer][told[_inverter(row)]] = number
        columns = inverters if condition.is_reference and inverters else [_inverter(row)]
        for measure in measures:
            recogniser = "" if measure.field in _OF_SOUND else condition.asr
            for inverter in columns:
                cell = _figure(row, measure)
                key = (measure.field, recogniser, inverter)
                if cells[condition.layer].setdefault(key, cell) != cell:
                    raise ResultsError(
                        f"{results.folder}: {condition.layer}, {inverter} of {results.clips} has "
                        "other figures than a folder before it; name one of the two"
                    )
    keys = [
        (measure.field, recogniser, inverter)
        for measure in measures
        for recogniser in ([""] if measure.field in _OF_SOUND else recognisers)
        for inverter in inverters or ["reference"]
    ]
    names = {measure.field: measure.name for measure in measures if len(measures) > 1}
    header = [
        ", ".join(filter(None, (names.get(field), recogniser, told.get(inverter, inverter))))
        for field, recogniser, inverter in keys
    ]
    return markdown_table(
        ["tap", *header],
        (
            [_tap(layer, views[layer]), *(row.get(key, "") for key in keys)]
            for layer, row in cells.items()
        ),
    )


def _tap(layer: str, views: Mapping[str, int]) -> str:
    """Such as "layer_3 (large: 17 views)"."""
    several = ", ".join(f"{inverter}: {number} views" for inverter, number in views.items())
    return f"{layer} ({several})" if several else layer


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def patches_table(folders: Sequence[Results], layers: Sequence[str]) -> str:
    """What more training brings: a row per tap, inverter and number of patches it has seen.

    Raises:
        ResultsError: as `patches_seen_rows`.
    """
    measures = [measure for name in _FIELDS for measure in MEASURES if measure.field == name]
    rows = [
        [
            *(results.clips, row.condition.target, row.condition.layer, _inverter(row)),
            *(row.condition.vocoder, row.condition.asr, f"{patches:,}", str(row.num_utterances)),
            *(_figure(row, measure) for measure in measures),
        ]
        for results, row, patches in patches_seen_rows(folders, layers)
    ]
    header = ["clips", "target", "tap", "inverter", "vocoder", "recogniser", "patches seen", "n"]
    return markdown_table([*header, *(measure.name for measure in measures)], rows)


def patches_seen_rows(
    folders: Sequence[Results], layers: Sequence[str]
) -> list[tuple[Results, Summary, int]]:
    """The rows of some taps whose training is known, by tap, inverter, and patches seen.

    Raises:
        ResultsError: if there is none; the message says what to do.
    """
    found = [
        (results, row, patches)
        for results in folders
        for row in results.summaries
        if row.condition.layer in layers and WER.field in row.scores
        for patches in [results.patches_seen(row.condition)]
        if patches
    ]
    if not found:
        names = ", ".join(str(results.folder) for results in folders)
        raise ResultsError(
            f"no row of {', '.join(layers)} in {names} says how many patches its inverter saw; run "
            "scripts/evaluate.py with the same flags again, which measures nothing twice"
        )
    return sorted(
        found,
        key=lambda item: (
            *(item[0].clips, item[1].condition.target, layers.index(item[1].condition.layer)),
            *(_inverter(item[1]), item[2]),
        ),
    )


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; a bar inside of a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _inverter(row: Summary) -> str:
    return f"{row.condition.preset} {row.condition.loss}".strip() or "reference"


def _figure(row: Summary, measure: Measure) -> str:
    """Such as "42.9 (35.7 to 49.9)"."""
    score = row.scores.get(measure.field)
    return MISSING if score is None else measure.write_score(score)
