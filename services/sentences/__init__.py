"""Rules without code: sentences in English and French, the parts of a policy that they write, and the way back."""
