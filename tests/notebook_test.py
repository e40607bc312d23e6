"""The notebook of the documentation runs from top to bottom."""

import contextlib
import io
import json
import os
import pathlib
from unittest import mock

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
import tensorflow as tf

from tests import docs_test

_NOTEBOOK = pathlib.Path(__file__).parents[1] / "docs" / "notebook.ipynb"


def run_cells(cells: list[dict], folder: pathlib.Path) -> tuple[dict, list[str], int]:
    """Runs the code of a notebook; returns its names, what each cell printed, and its figures."""
    names: dict = {}
    printed, num_figures = [], 0
    matplotlib.use("Agg")
    with contextlib.chdir(folder):
        for number, cell in enumerate(cells):
            lines = io.StringIO()
            code = compile("".join(cell["source"]), f"cell {number}", "exec")
            with contextlib.redirect_stdout(lines), mock.patch.object(plt, "show") as show:
                exec(code, names)
            num_figures += show.call_count
            printed.append(lines.getvalue())
    plt.close("all")
    return names, printed, num_figures


class NotebookTest(tf.test.TestCase):
    def test_its_cells_compile_and_name_what_is_there(self):
        notebook = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        docs_test.assert_names_are_there("\n".join("".join(cell["source"]) for cell in cells))

    @pytest.mark.slow
    def test_runs_from_top_to_bottom(self):
        notebook = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        names, printed, num_figures = run_cells(cells, _NOTEBOOK.parent)

        self.assertEqual(num_figures, 2)
        taps = [tap.name for tap in names["target"].taps]
        for tap in taps:
            self.assertIn(tap, "".join(printed))
        self.assertEqual(set(names["made"]), {"true_log_mel", *taps})
        waveform = names["made"]["layer_0"].waveform
        self.assertEqual(waveform.shape, names["recording"].shape)
        self.assertEqual(len(names["errors"]["natural"]), 2)
        self.assertLess(names["wer"]["true_log_mel"], names["wer"]["layer_6"])
        self.assertGreater(names["wer"]["layer_6"], 0.8)

        player = names["Player"](noise=np.zeros(16000, np.float32))._repr_html_()
        self.assertIn('<audio controls src="data:audio/mpeg;base64,', player)
        self.assertIn("MP3", soundfile.available_formats())

    def test_its_outputs_are_kept(self):
        """The site shows and plays the notebook's outputs: make notebook runs it again."""
        notebook = json.loads(_NOTEBOOK.read_text(encoding="utf-8"))
        kinds = [
            kind
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
            for kind in output.get("data", {"text": None})
        ]
        self.assertEqual(kinds.count("image/png"), 2)
        self.assertEqual(kinds.count("text/html"), 1)
        errors = [
            output
            for cell in notebook["cells"]
            for output in cell.get("outputs", [])
            if output["output_type"] == "error"
        ]
        self.assertEmpty(errors)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tf.test.main()
