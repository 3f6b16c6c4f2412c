module dagops/pause

go 1.25.0
