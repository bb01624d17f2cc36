"""Getting the images of a recommended list (`fetch_list.fetch_list`): many files, from many hosts, of many kinds."""
