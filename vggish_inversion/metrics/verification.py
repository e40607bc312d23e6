"""Verifies speakers: are recordings and reconstructions still those of their speakers?

As the VoicePrivacy Challenge measures an ignorant attacker, who has natural recordings of every
speaker and does not know what was done to the trial: each speaker is enrolled with the mean of the
embeddings of natural recordings, and every trial is compared by cosine with every speaker.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from vggish_inversion.metrics import detection

_NUM_DRAWS = 1000
# Of more trials an interval is narrow, and each draw takes long.
_MANY_TRIALS, _NUM_DRAWS_OF_MANY = 10**6, 200
# Draws of fewer say next to nothing about others: of two, every valid draw is the same two.
_LEAST_SPEAKERS = 5
_TAIL = 0.025


@dataclasses.dataclass(frozen=True)
class Verification:
    """How well trials tell their speakers.

    Attributes:
        eer: equal error rate, a fraction: 0 if every trial tells, 0.5 at chance, more if trials are
            closer to other speakers than to their own.
        eer_low: lower end of its 95 % interval; nan for fewer than five speakers.
        eer_high: upper end.
        linkability: D_sys, 0 (nothing) to 1 (every trial tells); nan for fewer than 50 trials.
        linkability_low: lower end of its 95 % interval.
        linkability_high: upper end.
        num_speakers: that have target trials.
        num_target_trials: of an utterance with its own speaker.
        num_other_trials: of an utterance with another speaker.
    """

    eer: float
    eer_low: float
    eer_high: float
    linkability: float
    linkability_low: float
    linkability_high: float
    num_speakers: int
    num_target_trials: int
    num_other_trials: int


def verify_speakers(
    trials: Mapping[str, np.ndarray],
    enrolment: Mapping[str, np.ndarray],
    speakers: Mapping[str, str],
    *,
    seed: int = 0,
) -> Verification:
    """Compares every trial with every speaker.

    A speaker is the mean of the embeddings, each of length 1, of all natural recordings but that of
    the trial itself; so a speaker of one recording has no target trial, and is an impostor to the
    others alone. What has no embedding (nan, or zero) is left out. The intervals are percentile
    bootstraps over speakers: a speaker that is drawn k times counts k times in its own trials, and
    in those of another that is drawn m times k m times.

    Args:
        trials: embeddings `[size]` of what is tested, natural or reconstructed, by utterance.
        enrolment: embeddings `[size]` of natural recordings, by utterance.
        speakers: of the utterances; one without is left out.
        seed: of the draws.

    Raises:
        ValueError: if there are no two speakers, or none has a second recording; it says how many
            of each were found.
    """
    enrolled = {key: item for key, item in _directions(enrolment) if key in speakers}
    tested = {key: item for key, item in _directions(trials) if key in speakers}
    names = sorted({speakers[key] for key in enrolled})
    places = {name: place for place, name in enumerate(names)}
    own = np.array([places.get(speakers[key], -1) for key in tested], int)
    scores = _cosines(tested, enrolled, [places[speakers[key]] for key in enrolled], own)
    row, column = np.nonzero(np.isfinite(scores))
    is_target = own[row] == column
    num_speakers = len(set(own[row[is_target]]))
    if not is_target.any() or is_target.all():
        raise ValueError(
            "speaker verification needs two speakers, and two recordings of one of them; found "
            f"{len(names)} speaker(s) in {len(enrolled)} recording(s)"
        )
    scored = detection.ScoredTrials(scores[row, column], is_target)
    figures = [scored.equal_error_rate(), scored.linkability()]
    ends = np.full((2, 2), np.nan)
    if num_speakers >= _LEAST_SPEAKERS:
        drawn = [
            (scored.equal_error_rate(weights), scored.linkability(weights))
            for weights in _drawn_weights(own[row], column, is_target, len(names), seed)
        ]
        is_known = np.isfinite(figures)
        ends[:, is_known] = np.nanquantile(np.array(drawn)[:, is_known], (_TAIL, 1 - _TAIL), axis=0)
    (eer_low, linkability_low), (eer_high, linkability_high) = ends.tolist()
    return Verification(
        *(figures[0], eer_low, eer_high),
        *(figures[1], linkability_low, linkability_high),
        num_speakers,
        int(is_target.sum()),
        int((~is_target).sum()),
    )


def _directions(embeddings: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Embeddings of length 1; without those that have none."""
    for name, embedding in embeddings.items():
        length = np.linalg.norm(np.asarray(embedding, np.float64))
        if np.isfinite(length) and length > 0:
            yield name, np.asarray(embedding, np.float64) / length


def _cosines(
    tested: Mapping[str, np.ndarray],
    enrolled: Mapping[str, np.ndarray],
    enrolled_places: list[int],
    own: np.ndarray,
) -> np.ndarray:
    """`[trials, speakers]`; nan where a speaker has no recording but that of the trial."""
    if not tested or not enrolled:
        return np.empty((0, 0))
    directions, natural = np.stack(list(tested.values())), np.stack(list(enrolled.values()))
    sums = np.zeros((max(enrolled_places) + 1, natural.shape[1]))
    np.add.at(sums, enrolled_places, natural)
    counts = np.bincount(enrolled_places)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = directions @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T
        for place, (name, speaker) in enumerate(zip(tested, own, strict=True)):
            if name in enrolled and speaker >= 0:
                model = sums[speaker] - enrolled[name]
                is_left = counts[speaker] > 1
                length = np.linalg.norm(model) if is_left else np.nan
                cosines[place, speaker] = directions[place] @ model / length
    return cosines


def _drawn_weights(
    own: np.ndarray, column: np.ndarray, is_target: np.ndarray, num_speakers: int, seed: int
) -> Iterator[np.ndarray]:
    """Of each trial, when speakers are drawn anew."""
    num_draws = _NUM_DRAWS if len(own) < _MANY_TRIALS else _NUM_DRAWS_OF_MANY
    share = np.full(num_speakers, 1 / num_speakers)
    times = np.random.default_rng(seed).multinomial(num_speakers, share, size=num_draws)
    for counts in times.astype(np.float64):
        # A trial whose speaker is not enrolled (-1) belongs to nobody who could be drawn.
        trial = np.append(counts, 1.0)[own]
        yield np.where(is_target, trial, trial * counts[column])
