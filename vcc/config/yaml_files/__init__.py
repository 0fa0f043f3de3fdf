"""What a user says in a YAML file of its own: the marks of the gate, the matrix of a study.

Every such file is read by `strict.read_yaml`, which takes no key twice.
"""
