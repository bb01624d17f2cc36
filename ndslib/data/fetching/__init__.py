"""Getting files from hosts: one (`download`), or the many images of a recommended list (`fetch_list`)."""
