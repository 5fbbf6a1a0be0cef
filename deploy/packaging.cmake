# What `cmake --install` puts beside the programs, and the Debian package: after a release build,
# (cd build/release && cpack) leaves keepsake_VERSION_ARCHITECTURE.deb there. Included by the top
# CMakeLists.txt after everything that installs.

set(KEEPSAKE_MAINTAINER "Keepsake maintainers <maintainers@keepsake.example>" CACHE STRING
    "Who answers for the Debian package")

# The unit names the program where it was installed; a configuration that is there already stays.
string(CONFIGURE [=[
  set(prefix "${CMAKE_INSTALL_PREFIX}")
  file(READ "@PROJECT_SOURCE_DIR@/deploy/keepsake.service" text)
  string(REPLACE "/usr/bin/keepsake" "${prefix}/bin/keepsake" text "${text}")
  set(unit "$ENV{DESTDIR}${prefix}/lib/systemd/system/keepsake.service")
  message(STATUS "Installing: ${unit}")
  file(WRITE "${unit}" "${text}")
  set(sample "$ENV{DESTDIR}/etc/keepsake/keepsake.yaml")
  if(EXISTS "${sample}")
    message(STATUS "Kept: ${sample}")
  else()
    message(STATUS "Installing: ${sample}")
    configure_file("@PROJECT_SOURCE_DIR@/config/keepsake.yaml" "${sample}" COPYONLY)
  endif()
]=] install_code @ONLY)
install(CODE "${install_code}")
install(FILES deploy/keepsake.socket DESTINATION lib/systemd/system)
install(DIRECTORY config/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/low-ports.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES deploy/completions/keepsake.bash RENAME keepsake
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES deploy/completions/_keepsake DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES deploy/completions/keepsake.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES deploy/man/keepsake.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES deploy/man/keepsake.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES config/keepsake.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/keepsake)
foreach(document README.md SECURITY.md)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${document})
    install(FILES ${document} DESTINATION ${CMAKE_INSTALL_DOCDIR})
  endif()
endforeach()

# The suite that it is built on and for.
set(KEEPSAKE_SUITE unstable)
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release codename REGEX "^VERSION_CODENAME=")
  string(REGEX REPLACE "^VERSION_CODENAME=\"?([a-z]*)\"?$" "\\1" codename "${codename}")
  if(codename)
    set(KEEPSAKE_SUITE ${codename})
  endif()
endif()

# Debian's own papers, written when the package is made: a date and a version do not belong into the tree.
set(papers ${PROJECT_BINARY_DIR}/debian)
string(TIMESTAMP today "%a, %d %b %Y 00:00:00 +0000" UTC)   # SOURCE_DATE_EPOCH is respected
file(WRITE ${papers}/changelog
"keepsake (${PROJECT_VERSION}) ${KEEPSAKE_SUITE}; urgency=medium

  * Version ${PROJECT_VERSION}; what changed is in CHANGELOG.md of the sources.

 -- ${KEEPSAKE_MAINTAINER}  ${today}
")
file(CONFIGURE OUTPUT ${papers}/papers.cmake @ONLY CONTENT [=[
  if(NOT CPACK_GENERATOR STREQUAL "DEB")
    return()
  endif()
  set(share "${CPACK_TEMPORARY_DIRECTORY}${CPACK_INSTALL_PREFIX}/share")
  set(doc "${share}/doc/keepsake")
  configure_file("@PROJECT_SOURCE_DIR@/deploy/debian/copyright" "${doc}/copyright" COPYONLY)
  execute_process(COMMAND gzip -9nc "@papers@/changelog" OUTPUT_FILE "${doc}/changelog.gz"
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9nf "${share}/man/man1/keepsake.1" "${share}/man/man5/keepsake.yaml.5"
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND strip --remove-section=.comment --remove-section=.note
                          "${CPACK_TEMPORARY_DIRECTORY}${CPACK_INSTALL_PREFIX}/bin/keepsake"
                  COMMAND_ERROR_IS_FATAL ANY)
]=])

# What is built is packed; packing builds nothing.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME keepsake)
set(CPACK_PACKAGE_VENDOR Keepsake)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "reverse proxy that gives sessions to stateless backends")
set(CPACK_PACKAGE_DESCRIPTION
"Keepsake stands in front of a web service that remembers nothing. It keeps a
visitor's session in a sealed cookie and hands its values to the service as
request headers, which no client can forge.")
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};keepsake;Unspecified;/")
set(CPACK_PRE_BUILD_SCRIPTS ${papers}/papers.cmake)   # after everything is installed
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${KEEPSAKE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The unit reloads with kill. nghttp2 with Debian's repairs: an earlier one can be made to abort (CVE-2026-27135).
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, procps, libnghttp2-14 (>= 1.52.0-1+deb12u3)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
    ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
