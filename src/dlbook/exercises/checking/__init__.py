"""How an answer is tried: exercises, what they draw and compare, and what they say."""
