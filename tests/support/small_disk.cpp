#include "tests/support/small_disk.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "engine/base/uuid.hpp"
#include "tests/support/need.hpp"

namespace spool::test {
namespace {

constexpr const char* kDiskFull = "53100";

// A statement that is no part of a transaction, as the administrator.
base::Status as_administrator(const std::string& url, const std::string& sql) {
  postgres::ConnectionSettings settings;
  settings.url = url;
  settings.statement_timeout = std::chrono::seconds(30);
  settings.lock_timeout = std::chrono::seconds(10);
  auto connection = postgres::Connection::open(settings);
  if (!connection) return connection.failure();
  return (*connection)->execute_script(sql);
}

std::string server_folder(const std::string& url) {
  postgres::ConnectionSettings settings;
  settings.url = url;
  const auto connection = need(postgres::Connection::open(settings), "administrator");
  return need(connection->execute({"data_directory", "show data_directory"}), "data_directory")
      .text(0, 0);
}

std::string options_of(std::int64_t megabytes, const struct stat& owner) {
  return "size=" + std::to_string(megabytes) + "m,mode=0700,uid=" + std::to_string(owner.st_uid) +
         ",gid=" + std::to_string(owner.st_gid);
}

}  // namespace

SmallDisk::SmallDisk(std::int64_t megabytes) {
  const std::string admin = environment("SPOOL_TEST_ADMIN_URL");
  tablespace_ = "small_" + base::to_string(base::random_uuid()).substr(0, 8);
  std::string folder = (std::filesystem::temp_directory_path() / "spool-disk.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = folder;
  struct stat owner {};
  if (::stat(server_folder(admin).c_str(), &owner) != 0) {
    why_not_ = "the server's files are not on this machine";
    return;
  }
  const std::string options = options_of(megabytes, owner);
  mounted_ = ::mount("spool-small-disk", folder_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
                     options.c_str()) == 0;
  if (!mounted_) {
    why_not_ = std::string("a small file system cannot be mounted: ") + std::strerror(errno);
    return;
  }
  const auto made =
      as_administrator(admin, "create tablespace " + tablespace_ + " location '" + folder_ + "'");
  if (made) return;
  ::umount2(folder_.c_str(), MNT_DETACH);
  ::rmdir(folder_.c_str());
  throw std::runtime_error("create tablespace: " + made.failure().text);
}

SmallDisk::~SmallDisk() {
  if (mounted_) {
    const auto dropped =
        as_administrator(environment("SPOOL_TEST_ADMIN_URL"), "drop tablespace " + tablespace_);
    if (!dropped) std::fprintf(stderr, "drop tablespace: %s\n", dropped.failure().text.c_str());
    // Detached: the server may still hold a file of what was dropped.
    if (::umount2(folder_.c_str(), MNT_DETACH) != 0)
      std::fprintf(stderr, "%s: %s\n", folder_.c_str(), std::strerror(errno));
  }
  ::rmdir(folder_.c_str());
}

void SmallDisk::take(const PgDatabase& database, const std::string& table) const {
  database.execute("do $$ declare i regclass; begin execute 'alter table " + table +
                   " set tablespace " + tablespace_ +
                   "'; for i in select indexrelid from pg_index where indrelid = '" + table +
                   "'::regclass loop execute format('alter index %s set tablespace " + tablespace_ +
                   "', i); end loop; end $$");
}

// Rows of a page each. What is left of an insert that was refused stays in the file, and nobody
// may come and cut it off.
void SmallDisk::fill(const PgDatabase& database) const {
  database.execute(
      "create table public.rubbish (page text) with (autovacuum_enabled = false)"
      " tablespace " +
      tablespace_ + "; alter table public.rubbish alter column page set storage plain");
  for (int pages = 256; pages > 0; pages /= 16) {
    for (;;) {
      const auto added = as_administrator(database.admin_url(),
                                          "insert into public.rubbish select repeat('x', 8000)"
                                          " from generate_series(1, " +
                                              std::to_string(pages) + ")");
      if (added) continue;
      if (added.failure().sqlstate != kDiskFull) need(added, "fill the small disk");
      break;
    }
  }
}

void SmallDisk::free(const PgDatabase& database) const {
  database.execute("drop table public.rubbish");
}

}  // namespace spool::test
