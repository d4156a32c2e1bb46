"""Whether a target is surely missed, or surely reached, at any look while its period goes on."""
