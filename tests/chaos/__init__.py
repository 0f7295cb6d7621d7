"""Chaos by seed: real workers on a real Kafka, faults at random moments, and a checker that folds everything again."""
