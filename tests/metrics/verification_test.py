"""Speaker verification against trials that are written out one by one, and planted cases."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from vggish_inversion import metrics
from vggish_inversion.metrics import detection, verification


def _corpus(num_speakers=6, num_recordings=12, size=16, spread=0.6, seed=0):
    """Embeddings around a centre for each speaker."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(num_speakers, size))
    embeddings, speakers = {}, {}
    for speaker in range(num_speakers):
        for number in range(num_recordings):
            name = f"{speaker}-{number}"
            speakers[name] = f"speaker {speaker}"
            embeddings[name] = rng.uniform(0.1, 9) * (
                centres[speaker] + spread * rng.normal(size=size)
            )
    return embeddings, speakers


def _written_out(trials, enrolment, speakers):
    """Scores and kinds, trial by trial, by the definition."""
    scores, kinds = [], []
    for name, embedding in trials.items():
        for speaker in sorted(set(speakers.values())):
            model = [
                natural / np.linalg.norm(natural)
                for other, natural in enrolment.items()
                if speakers[other] == speaker and other != name
            ]
            if model:
                mean = np.mean(model, axis=0)
                cosine = embedding @ mean / np.linalg.norm(embedding) / np.linalg.norm(mean)
                scores.append(cosine)
                kinds.append(speakers[name] == speaker)
    return np.array(scores), np.array(kinds)


@pytest.mark.parametrize("spread", [0.5, 3.0, 6.0])
def test_trials_are_those_of_the_definition(spread):
    natural, speakers = _corpus(spread=spread)
    rng = np.random.default_rng(1)
    trials = {name: item + rng.normal(size=16) for name, item in natural.items()}
    del natural["0-0"], trials["1-1"]
    scores, kinds = _written_out(trials, natural, speakers)
    found = metrics.verify_speakers(trials, natural, speakers)
    expected = detection.ScoredTrials(scores, kinds)
    assert found.eer == pytest.approx(expected.equal_error_rate(), abs=1e-9)
    assert found.linkability == pytest.approx(expected.linkability(), abs=1e-9)
    assert (found.num_target_trials, found.num_other_trials) == (sum(kinds), sum(~kinds))
    assert found.num_speakers == 6
    # not near its area under the curve by chance: the better the area, the lower the rate
    area = sklearn_metrics.roc_auc_score(kinds, scores)
    assert (1 - area) / 2 < found.eer < 2 * math.sqrt(1 - area) + 1e-9
    assert found.eer_low <= found.eer <= found.eer_high
    assert found.linkability_low <= found.linkability_high


def test_a_trial_does_not_enrol_itself():
    """Recordings that have nothing in common are at chance, and not 0 % by being themselves."""
    rng = np.random.default_rng(0)
    natural = {f"{number}": rng.normal(size=64) for number in range(60)}
    speakers = {name: str(int(name) % 6) for name in natural}
    found = metrics.verify_speakers(natural, natural, speakers)
    assert 0.4 < found.eer < 0.6
    assert found.linkability < 0.5


def test_planted_cases():
    natural, speakers = _corpus(num_speakers=2, spread=0.1)
    assert metrics.verify_speakers(natural, natural, speakers).eer == 0.0
    swapped = {name: natural[f"{1 - int(name[0])}{name[1:]}"] for name in natural}
    assert metrics.verify_speakers(swapped, natural, speakers).eer == pytest.approx(1.0)

    natural, speakers = _corpus(num_speakers=8, spread=0.1)
    following = {name: natural[f"{(int(name[0]) + 1) % 8}{name[1:]}"] for name in natural}
    planted = metrics.verify_speakers(following, natural, speakers)
    assert planted.eer > 0.4
    assert planted.linkability < 0.3
    one_voice = dict.fromkeys(natural, natural["0-0"])
    assert metrics.verify_speakers(one_voice, natural, speakers).eer == pytest.approx(0.5, abs=0.1)


def test_the_interval_is_over_speakers():
    """Speakers that differ make it wide, however many recordings each has."""
    hard, speakers = _corpus(num_speakers=5, num_recordings=40, spread=3, seed=1)
    easy, others = _corpus(num_speakers=5, num_recordings=40, spread=0.05, seed=2)
    natural = hard | {f"easy {name}": item for name, item in easy.items()}
    speakers |= {f"easy {name}": f"easy {item}" for name, item in others.items()}
    found = metrics.verify_speakers(natural, natural, speakers)
    assert found.eer_low < found.eer < found.eer_high
    assert found.eer_high - found.eer_low > 0.1 * found.eer
    again = metrics.verify_speakers(natural, natural, speakers)
    assert again == found
    few, names = _corpus(num_speakers=4)
    assert math.isnan(metrics.verify_speakers(few, few, names).eer_low)


def test_draws_of_speakers_by_hand():
    own, column = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    drawn = verification._drawn_weights(own, column, own == column, 2, seed=0)
    kinds = {tuple(weights) for weights in drawn}
    # each once; or one of the two twice, who then has no other
    assert kinds == {(1, 1, 1, 1), (2, 0, 0, 0), (0, 0, 0, 2)}


def test_what_has_no_embedding_or_no_speaker_is_left_out():
    natural, speakers = _corpus()
    whole = metrics.verify_speakers(natural, natural, speakers)
    extra = natural | {"short": np.full(16, np.nan), "zero": np.zeros(16), "who": np.ones(16)}
    owners = speakers | {"short": "speaker 0", "zero": "speaker 1"}
    assert metrics.verify_speakers(extra, extra, owners) == whole


def test_a_speaker_of_one_recording_is_an_impostor_alone():
    natural, speakers = _corpus(num_speakers=5)
    alone = natural | {"alone": np.ones(16)}
    found = metrics.verify_speakers(alone, alone, speakers | {"alone": "stranger"})
    assert (found.num_speakers, found.num_target_trials) == (5, 60)
    assert found.num_other_trials == 60 * 5 + 5


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["0-0", "0-1", "0-2"], r"1 speaker\(s\) in 3 recording"),
        (["0-0", "1-0", "2-0"], r"3 speaker\(s\) in 3 recording"),
        (["0-0"], r"1 speaker\(s\) in 1 recording"),
        ([], r"0 speaker\(s\) in 0 recording"),
    ],
)
def test_too_little_to_verify(names, found):
    embeddings, speakers = _corpus()
    natural = {name: embeddings[name] for name in names}
    with pytest.raises(ValueError, match=found):
        metrics.verify_speakers(natural, natural, speakers)
    with pytest.raises(ValueError, match="needs two speakers"):
        metrics.verify_speakers({}, embeddings, speakers)
