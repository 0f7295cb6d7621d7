"""Planted mistakes in the rules: a test suite that lets one through does not keep the rule."""
