"""The rules of judgement, a file for each family; each function cites the rule it keeps."""
