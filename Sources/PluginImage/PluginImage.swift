// Empty on purpose: this target carries the link flags of the plugin's shared library.
