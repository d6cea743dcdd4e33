module example.org/go_bus

go 1.17
