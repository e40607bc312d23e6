"""Tests of the report, and the browser check that other tests may use."""
