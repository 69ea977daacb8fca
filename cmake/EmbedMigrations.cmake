# spool_embed_migrations(<out.cpp> FOLDER migrations LINES a b ...)
# migrations/<line>/NNNN_title.up.sql and .down.sql as a table of the program, in the order of
# LINES, then by number. Written anew whenever a file changes. The same file is the script that
# writes it (cmake -P).
function(spool_embed_migrations OUT)
  cmake_parse_arguments(ARG "" "FOLDER" "LINES" ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS "${ARG_FOLDER}/*/*.sql")
  add_custom_command(OUTPUT "${OUT}"
    COMMAND "${CMAKE_COMMAND}" "-DOUT=${OUT}" "-DFOLDER=${ARG_FOLDER}" "-DLINES=${ARG_LINES}"
            -P "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    DEPENDS ${files} "${CMAKE_CURRENT_FUNCTION_LIST_FILE}"
    COMMENT "Embedding migrations" VERBATIM)
endfunction()

function(spool_write_migrations)
  set(text "// Written by cmake/EmbedMigrations.cmake.\n")
  string(APPEND text "#include \"engine/postgres/migration.hpp\"\n\nnamespace spool::postgres {\n\n"
    "std::vector<Migration> embedded_migrations() {\n")
  string(APPEND text "  std::vector<Migration> all;\n")
  foreach(line IN LISTS LINES)
    file(GLOB ups "${FOLDER}/${line}/*.up.sql")
    list(SORT ups COMPARE NATURAL)
    foreach(up IN LISTS ups)
      get_filename_component(stem "${up}" NAME)
      if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.up\\.sql$")
        message(FATAL_ERROR "${up}: a migration is named NNNN_title.up.sql")
      endif()
      set(title "${CMAKE_MATCH_2}") # before the next REGEX forgets it
      string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
      string(REPLACE ".up.sql" ".down.sql" down "${up}")
      file(READ "${up}" up_sql)
      file(READ "${down}" down_sql)
      string(APPEND text "  all.push_back(make_migration(\"${line}\", ${version}, \"${title}\",\n"
        "R\"spool_sql(${up_sql})spool_sql\",\nR\"spool_sql(${down_sql})spool_sql\"));\n")
    endforeach()
  endforeach()
  string(APPEND text "  return all;\n}\n\n}  // namespace spool::postgres\n")
  file(WRITE "${OUT}" "${text}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  spool_write_migrations()
endif()
