"""What is written to standard error while something is exported, beneath Python."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from vggish_inversion.reconstruction import quiet, tflite


def test_nothing_is_heard_if_all_goes_well(capfd):
    with quiet.stderr_kept_back():
        os.write(2, b"beneath it\n")
        print("on standard output")
    os.write(2, b"after it\n")
    assert capfd.readouterr() == ("on standard output\n", "after it\n")


def test_a_failure_brings_it_out(capfd):
    with pytest.raises(KeyboardInterrupt), quiet.stderr_kept_back():
        os.write(2, b"what went wrong\n")
        raise KeyboardInterrupt
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "what went wrong\nafter it\n"


def test_no_file_stays_open():
    open_files = pathlib.Path("/proc/self/fd")
    if not open_files.is_dir():
        pytest.skip("only Linux tells which files are open")
    before = len(list(open_files.iterdir()))
    for _ in range(5):
        with quiet.stderr_kept_back():
            pass
    assert len(list(open_files.iterdir())) == before


def test_converting_says_nothing(capfd):
    kernel = tf.Variable(np.ones((4, 3), np.float32))
    function = tf.function(
        lambda x: x @ kernel, input_signature=[tf.TensorSpec([1, 4], tf.float32)]
    )
    flatbuffer = tflite.convert(function, "float32", np.ones((1, 4), np.float32))
    made = tflite.call(flatbuffer)(np.ones((2, 1, 4), np.float32)[:, 0])
    np.testing.assert_allclose(made, np.full((2, 3), 4.0))
    assert capfd.readouterr().err == ""
    assert tflite.memory_bytes(function, 1) == 800_000_000 + 12 * 4 * 17
