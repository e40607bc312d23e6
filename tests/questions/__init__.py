"""Tests of vggish_inversion.questions."""
