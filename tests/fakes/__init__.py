"""Stand-ins for what the platform touches: in memory, small, and held to the same contract tests as the real thing."""
