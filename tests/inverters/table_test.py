"""A table gives the runs that it says, and a slip in it is named with its row."""

import pathlib

import pytest

from vggish_inversion.inverters import network, table, training

_SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


def _config(**fields) -> training.TrainConfig:
    return training.TrainConfig(**{"num_epochs": 7, **fields})


def _write(tmp_path, text: str) -> pathlib.Path:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_of_a_target_come_together_and_flags_fill_empty_cells(tmp_path):
    path = _write(
        tmp_path,
        "target,target_weights,layer,preset,num_epochs,learning_rate,jit_compile\n"
        "yamnet,yamnet.npz,layer6,large,3,1e-3,true\n"
        "small_encoder/speech_commands,,layer_1,,,,\n"
        "yamnet,yamnet.npz,layer12,paper,,,false\n",
    )
    yamnet, small = table.read_table(path, _config)
    assert (yamnet.target, yamnet.weights) == ("yamnet", "yamnet.npz")
    large = training.TrainConfig(preset="large", num_epochs=3, learning_rate=1e-3, jit_compile=True)
    assert yamnet.places == (("layer6", large), ("layer12", _config(preset="paper")))
    assert (small.weights, small.places) == (None, (("layer_1", _config()),))
    (alone,) = table.read_table(path, _config, row=3)
    assert [layer for layer, _ in alone.places] == ["layer12"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns none; expected target, layer"),
        ("target\nvggish\n", "has the columns target; expected"),
        ("target,layer,presets\nvggish,conv4,large\n", "presets"),
        ("target,layer\n", "has 0 rows"),
        ("target,layer\nvggish,conv4\n,conv4\n", "row 2: target and layer must be given"),
        ("target,layer\nvggish\n", "row 1: more or fewer cells"),
        ("target,layer\nvggish,conv4,large\n", "row 1: more or fewer cells"),
        ("target,layer,num_epochs\nvggish,conv4,many\n", "num_epochs must be int, not 'many'"),
        ("target,layer,batch_size\nvggish,conv4,0\n", "row 1: batch_size is 0; expected 1 or more"),
        ("target,layer,jit_compile\nvggish,conv4,1\n", "jit_compile must be bool"),
        ('target,layer\n"vggish,conv4\n', "is not a CSV file"),
    ],
)
def test_unusable_tables(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        table.read_table(_write(tmp_path, text), _config)


def test_a_row_that_is_not_there(tmp_path):
    path = _write(tmp_path, "target,layer\nvggish,conv4\n")
    with pytest.raises(ValueError, match="has 1 rows; expected 2"):
        table.read_table(path, _config, row=2)


@pytest.mark.parametrize(
    "name, losses, presets",
    [
        ("full_grid", training.LOSSES, network.PRESETS),
        ("equal_data", ("l1",), network.PRESETS),
        ("controls", ("l1",), network.PRESETS),
        ("large", ("l1",), ("large",)),
    ],
)
def test_the_tables_of_scripts_name_what_can_be_trained(name, losses, presets):
    runs = [
        (rows.target, layer, config.preset, config.loss)
        for rows in table.read_table(_SCRIPTS / f"{name}.csv", _config)
        for layer, config in rows.places
    ]
    assert len(set(runs)) == len(runs)
    assert {preset for _, _, preset, _ in runs} == set(presets)
    assert {loss for _, _, _, loss in runs} == set(losses)
