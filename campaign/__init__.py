"""Light Up the Heart of Science: a multilingual pledge campaign platform."""
