"""Pure: from what is wanted and what is there to changes, stages and readiness."""
