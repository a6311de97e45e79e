"""One evaluator for each use case: step 8 of the decision (TR-03109-1, TAF 1 to 14)."""
