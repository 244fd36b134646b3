"""HOW IT HAPPENS: verbs. Flows are handed adapters, they never import them."""
