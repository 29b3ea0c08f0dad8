"""From argv to one action, and from its result to text and an exit code: the only room that knows click and rich."""
