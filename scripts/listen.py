r"""One command for your network: what do its layers still know of your recordings?

  python scripts/listen.py --target=my.keras --speech=my_wavs --output_dir=page --open

Holds some recordings out, fits a ridge inverter to about five layers and writes a first page; then
trains inverters in the time that is left, and writes it anew with whichever is better. Without
transcripts, the reference is what the recogniser hears in the recording. Started again it goes on,
with more --minutes it goes on training. Ten minutes of speech are few: --corpus= names more.
"""

import pathlib
import time
import webbrowser

from absl import flags

import command
import path_flags
import target_flags
from vggish_inversion import asr, questions

_LOAD_TARGET = target_flags.define_target_flags()
_SPEECH = path_flags.define_paths_flag("speech", None, "Folder(s) of recordings.", required=True)
_CORPUS = path_flags.define_paths_flag("corpus", [], "More speech to train on.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Receives index.html.", required=True)
_MINUTES = flags.DEFINE_float("minutes", 10, "For all of it.", lower_bound=0.1)
_LAYERS = flags.DEFINE_list("layers", [], "Layers; default: about five, over the depth.")
_QUESTIONS = command.define_choices_flag("questions", *[questions.QUESTIONS] * 2, "What is asked.")
_ASR = flags.DEFINE_enum("asr", "pocketsphinx", [*asr.TRANSCRIBERS], "Recogniser.")
_ASR_MODEL = flags.DEFINE_string("asr_model", None, "Of Whisper and Wav2Vec2.")
_OPEN = flags.DEFINE_bool("open", False, "Open the page.")


def main():
    """Checks recordings and layers, asks, and prints the finding and the page's path."""
    started = time.monotonic()
    from vggish_inversion.questions import asking, inquiry, speech

    recordings = speech.gather(_SPEECH.value, _CORPUS.value, announce=print)
    choose = inquiry.choose_taps(_LAYERS.value)
    target = target_flags.load_checked(_LOAD_TARGET, choose)
    asked = inquiry.Inquiry(
        target=target,
        taps=choose(target),
        speech=recordings.long_enough(target.source),
        output_dir=pathlib.Path(_OUTPUT_DIR.value),
        minutes=_MINUTES.value,
        recogniser=(_ASR.value, _ASR_MODEL.value),
        settings=command.provenance(data_dir=_SPEECH.value, split="held out"),
    )
    sentence, page = asking.ask(asked, _QUESTIONS.value, started=started)
    print(f"{sentence}\n{page}")
    if _OPEN.value:
        webbrowser.open(page.absolute().as_uri())


if __name__ == "__main__":
    command.run(main)
