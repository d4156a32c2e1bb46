"""Policy packs that come with Pilote: starting points, not legal advice."""
