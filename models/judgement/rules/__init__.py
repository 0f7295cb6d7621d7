"""The rules of judgement (docs/rules.md), a file for each family; each function cites the rule it keeps."""
