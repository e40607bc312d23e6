"""What is written to standard error while something is exported, beneath Python."""

import io
import os
import pathlib
import sys
import threading

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


def test_two_threads_that_overlap_leave_standard_error_as_it_was(capfd):
    entered = [threading.Event(), threading.Event()]
    leave = [threading.Event(), threading.Event()]

    def export(number):
        with quiet.stderr_kept_back():
            entered[number].set()
            leave[number].wait(60)

    threads = [threading.Thread(target=export, args=(number,)) for number in range(2)]
    threads[0].start()
    assert entered[0].wait(60)
    threads[1].start()
    entered[1].wait(0.2)  # time to go wrong
    for event, thread in zip(leave, threads, strict=True):
        event.set()
        thread.join(60)
    assert entered[1].is_set()
    os.write(2, b"after both\n")
    assert capfd.readouterr().err == "after both\n"


@pytest.mark.parametrize("stderr", [None, io.StringIO()])
def test_a_program_may_have_no_standard_error_of_its_own(capfd, monkeypatch, stderr):
    if stderr is not None:
        stderr.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        with quiet.stderr_kept_back():
            os.write(2, b"beneath it\n")
    assert capfd.readouterr().err == ""


def test_one_may_stand_inside_another(capfd):
    with quiet.stderr_kept_back():
        with quiet.stderr_kept_back():
            os.write(2, b"deep inside\n")
        os.write(2, b"inside\n")
    os.write(2, b"outside\n")
    assert capfd.readouterr().err == "outside\n"


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
