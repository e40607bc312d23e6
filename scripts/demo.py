"""The main job on bundled speech with bundled weights, offline: what does each layer still know?

  python scripts/demo.py --output_dir=build/demo

Nine sentences, spoken by voices that no network here was trained on, are reconstructed from every
layer of a small encoder that was trained to recognise spoken commands. Prints the table, and writes
one page to look at and listen to.
"""

import pathlib

from absl import flags

import command

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "build/demo", "Receives index.html, summary.csv, results.csv and audio/."
)
_MARK = "demo"  # in run.json: what the demo may delete
_TARGET = "small_encoder/speech_commands"
_SPEECH = pathlib.Path(__file__).parent / "demo_speech"


def main():
    """Evaluates every shipped inverter of the target on the bundled clips."""
    import tqdm

    from vggish_inversion import evaluation, report, results
    from vggish_inversion.data import corpora
    from vggish_inversion.files import apart, documents, folders, hub
    from vggish_inversion.inverters import search
    from vggish_inversion.targets import loading

    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    apart.check_apart(read=[_SPEECH], written=[output_dir])
    apart.check_vacant(output_dir, ("index.html", "index.json"), mark="run.json")
    if (output_dir / "run.json").is_file():
        if documents.read_json(output_dir / "run.json").get("made_by") != _MARK:
            raise ValueError(
                f"{output_dir} holds results that this demo did not make; name another --output_dir"
            )
        with folders.sole_writer(output_dir):
            results.delete_results(output_dir)  # an earlier demo's: they are made anew
    target = loading.load_target(_TARGET)
    runs = search.find_runs(hub.models_dir(), target, layers=None)
    utterances = corpora.read_corpus(_SPEECH)
    rows = evaluation.evaluate_runs(
        utterances,
        target,
        runs,
        output_dir=output_dir,
        settings=command.provenance(made_by=_MARK, split="all", data_dir=[_SPEECH.name]),
        progress=lambda items: tqdm.tqdm(items, unit="clip"),
    )
    page = report.write_page(output_dir, title=f"What do the layers of {_TARGET} still know?")
    print(evaluation.summary_text(output_dir))
    print(f"\nListen and look: {page}")
    return command.exit_code(**results.count_utterances(rows))


if __name__ == "__main__":
    command.run(main)
