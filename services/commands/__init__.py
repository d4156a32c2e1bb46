"""The parts of the command `pilote`: what each subcommand asks for, does and says."""
