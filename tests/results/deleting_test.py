"""Of a results folder, what an evaluation wrote is deleted, and nothing else."""

from vggish_inversion import results

_ROWS = (
    ("natural", "", "", ""),
    ("true_log_mel", "", "", "griffin_lim"),
    ("conv4", "paper", "l1", "griffin_lim"),
    ("conv4", "paper", "l1", "vocos"),
)
_CLIPS = (
    "audio/natural",
    "audio/true_log_mel",
    "audio/conv4/paper-l1",
    "audio/conv4/paper-l1-vocos",
)


def _write(folder, utterance="one/a"):
    """As an evaluation does: the places of the clips are spelt out, by hand."""
    rows = []
    for layer, preset, loss, vocoder in _ROWS:
        row = dict.fromkeys(results.RESULT_COLUMNS, "")
        row |= {"layer": layer, "preset": preset, "loss": loss, "vocoder": vocoder}
        rows.append(row | {"utterance": utterance, "status": "ok"})
    files = [f"{clip}/{utterance}.wav" for clip in _CLIPS]
    files += [f"log_mel/{place}/{utterance}.npy" for place in ("true_log_mel", "conv4/paper-l1")]
    files += ["run.json", "summary.csv", "comparisons.csv", "index.html", "index.json"]
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("made")
    results.write_table(folder / "results.csv", results.RESULT_COLUMNS, rows)


def _names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_what_others_put_there_stays(tmp_path):
    folder = tmp_path / "results"
    _write(folder)
    mine = {"notes.txt", "audio/natural/mine.wav", "runs/inverter.keras", "summary.ods"}
    for name in mine:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    results.delete_results(folder)
    assert _names(folder) == mine | {"audio", "audio/natural", "runs"}
    results.delete_results(folder)  # once more, it finds nothing
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_table_that_was_cut_short(tmp_path):
    _write(tmp_path)
    text = (tmp_path / "results.csv").read_text(encoding="utf-8")
    (tmp_path / "results.csv").write_text(text + "vggish,conv1,pa", encoding="utf-8")
    results.delete_results(tmp_path)
    assert _names(tmp_path) == set()


def test_a_row_cannot_name_a_file_elsewhere(tmp_path):
    folder = tmp_path / "results"
    _write(folder, utterance="../../../../precious")
    (tmp_path / "precious.wav").write_text("mine")
    results.delete_results(folder)
    assert (tmp_path / "precious.wav").read_text() == "mine"
