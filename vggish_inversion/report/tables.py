"""Tables in Markdown of any number of results folders: what survives at which tap, for how much."""

import collections
from collections.abc import Iterable, Sequence

from vggish_inversion.report.labels import MEASURES, MISSING, WER, Measure
from vggish_inversion.results import Results, ResultsError, Summary

_FIELDS = ("wer", "stoi", "log_mel_l1")
_SHOWN: tuple[Measure, ...] = tuple(
    measure for field in _FIELDS for measure in MEASURES if measure.field == field
)
# What is said of every row, unless it is the same in all of them; then it is said once.
_OF_ROW = ("clips", "n", "target", "tap", "vocoder", "recogniser")


def results_table(folders: Sequence[Results]) -> str:
    """Target x tap, a column per preset and loss; with the two references.

    Each cell is WER, STOI and log-mel L1, each with its 95 % interval over the n utterances, and
    the views of the tap that the inverter takes, if several.

    Raises:
        ResultsError: if two folders have different figures for one cell.
    """
    cells: dict[tuple[str, ...], dict[str, str]] = collections.defaultdict(dict)
    inverters: list[str] = []
    for results in folders:
        for row in results.summaries:
            condition = row.condition
            key = (results.clips, str(row.num_utterances), condition.target, condition.layer)
            key += (condition.vocoder or MISSING, condition.asr)
            inverter = _inverter(row)
            views = results.views(condition) or 1
            seen = [f"{views} views"] if views > 1 else []
            cell = "<br>".join([*(_figure(row, measure) for measure in _SHOWN), *seen])
            if cells[key].setdefault(inverter, cell) != cell:
                raise ResultsError(
                    f"{results.folder}: {condition.layer}, {inverter} of {results.clips} has other "
                    "figures than a folder before it; name one of the two"
                )
            if inverter not in inverters:
                inverters.append(inverter)
    kept = [
        index
        for index, name in enumerate(_OF_ROW)
        if name in ("n", "tap") or len({key[index] for key in cells} - {MISSING}) > 1
    ]
    same = [
        f"{name} {value}"
        for index, name in enumerate(_OF_ROW)
        if index not in kept
        for value in sorted({key[index] for key in cells} - {MISSING})
    ]
    rows = [
        [*(key[index] for index in kept), *(row.get(name, "") for name in inverters)]
        for key, row in cells.items()
    ]
    table = markdown_table([*(_OF_ROW[index] for index in kept), *inverters], rows)
    return f"{_sentence(same)}{table}"


def patches_table(folders: Sequence[Results], layers: Sequence[str]) -> str:
    """What more training brings: a row per tap, inverter and number of patches it has seen.

    Raises:
        ResultsError: as `patches_seen_rows`.
    """
    rows = [
        [
            *(results.clips, row.condition.target, row.condition.layer, _inverter(row)),
            *(row.condition.vocoder, row.condition.asr, f"{patches:,}", str(row.num_utterances)),
            *(_figure(row, measure, named=False) for measure in _SHOWN),
        ]
        for results, row, patches in patches_seen_rows(folders, layers)
    ]
    header = ["clips", "target", "tap", "inverter", "vocoder", "recogniser", "patches seen", "n"]
    return markdown_table([*header, *(measure.name for measure in _SHOWN)], rows)


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


def _figure(row: Summary, measure: Measure, *, named: bool = True) -> str:
    """Such as "WER 42.9 % (35.7 to 49.9)"; without its name, where a column has it."""
    score = row.scores.get(measure.field)
    if score is None:
        return f"{measure.name} {MISSING}" if named else MISSING
    if not named:
        return measure.write_score(score)
    name = measure.name.removesuffix(" %")
    unit = " %" if name != measure.name else ""
    interval = measure.write_interval(score)
    return f"{name} {measure.write(score.value)}{unit}" + (f" ({interval})" if interval else "")


def _sentence(parts: Sequence[str]) -> str:
    return f"All rows: {', '.join(parts)}.\n\n" if parts else ""
