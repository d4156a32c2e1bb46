"""What is wrong with an installation, and how to mend it: store, clocks, certificates, policy, disk and versions."""
