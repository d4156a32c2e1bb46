"""From the data of a policy to a revision that answers calls, while others go on."""
