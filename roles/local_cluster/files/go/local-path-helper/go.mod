module dagops/local-path-helper

go 1.25.0
